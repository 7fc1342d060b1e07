"""What is done with run folders once they are trained: reports, figures, tables, papers. One command a file."""
