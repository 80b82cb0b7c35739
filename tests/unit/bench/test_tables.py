"""The tables in the documents are those of the committed results."""

from bench.tables import PAGE, TABLES, written


def test_every_table_is_as_the_results_have_it() -> None:
    page = PAGE.read_text()
    assert all(f"<!-- table: {name} -->" in page for name in TABLES)
    assert written(page) == page
