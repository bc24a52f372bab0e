"""The page that browsers get: GraphiQL, made when the package is built."""
