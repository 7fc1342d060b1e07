"""Questions that are asked of every method alike: each is one file here, and one in conf/evaluation."""
