"""Filing many records: batches, streams, and which row of the file an answer speaks of."""
