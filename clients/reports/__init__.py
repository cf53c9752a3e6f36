"""What finance staff read, print and file: statements and months as XLSX and PDF."""
