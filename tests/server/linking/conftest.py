"""The pages where persons link credentials, and a browser at them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.linking.link_site import Browser, LinkSite, open_link_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LinkSite]:
    async with open_link_site(tmp_path) as opened:
        yield opened


@pytest.fixture
async def browser(site: LinkSite) -> Browser:
    return await site.browser()
