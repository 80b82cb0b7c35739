"""From raw samples to requests and bad ones. Pure.

`growth` makes exact increments of scrapes; `gateway`, `buckets` and `ratio` say which samples a metric needs and what
their increments mean; `selector` reads the selectors that an operator's owner wrote.
"""
