"""What tables are made of: cells, digits, comparable blocks, columns of settings and measures. No table is in here."""
