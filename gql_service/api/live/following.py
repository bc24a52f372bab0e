"""Follows a subscription to its end, at the pace of whoever is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gql_service.api.live.feed import Feed
from gql_service.api.live.telling import Subscribed

Send = Callable[[bytes], Awaitable[None]]
"""Returns when the other side can take more."""


async def follow(feed: Feed, subscription: Subscribed, send: Send) -> bool:
    """Sends each answer in JSON, and makes the next one only when that has gone out.

    True when there is nothing more to tell, False when the server is stopping. Raises as
    `Feed.told`, and what `send` raises.
    """
    source = subscription.source
    position = source.start
    with feed.watching(subscription.viewer.actor, source.dataset) as news:
        while not feed.closing:
            news.clear()  # before looking: what happens from now on is looked for again
            told = await feed.told(subscription, position)
            position = told.position
            if told.payload is not None:
                await send(told.payload)
            if told.last:
                return True
            if not told.more:
                await news.wait()
    return False
