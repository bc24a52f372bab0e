"""Operations whose answers go on: subscriptions, over WebSocket and as server-sent events."""
