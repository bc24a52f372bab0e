"""ROWS: the engine, the transaction, the column types, the migrations."""
