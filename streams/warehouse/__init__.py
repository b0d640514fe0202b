"""ClickHouse: feed, views, named questions."""
