"""The contracts, as package data: Avro schemas, topics, warehouse SQL, terms, examples."""
