"""THE EDGE: translates GraphQL and HTTP; never decides, writes no SQL."""
