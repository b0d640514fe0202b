"""The embedded broker before it starts."""

from streams.local.kafka import cluster_id


def test_the_id_of_a_cluster_is_no_option() -> None:
    """One id in 64 would begin with a dash, and the broker's own tool would take it for an option."""
    ids = [cluster_id() for _ in range(2000)]
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {22}
    assert not any(one.startswith("-") for one in ids)
