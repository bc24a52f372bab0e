"""What callers give: selectors, filters, orders and the inputs of mutations."""
