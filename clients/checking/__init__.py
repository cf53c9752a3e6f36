"""What people check: rosters of certificates, what to do about each verdict, alerts."""
