"""Reports: what run folders say, for people to read. Nothing here trains."""
