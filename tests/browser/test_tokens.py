"""Programs are let in from the Settings page."""

from __future__ import annotations

import httpx
from browser_parts import Server, go_to, violations
from playwright.sync_api import Page, expect


def test_a_token_is_made_shown_once_and_revoked(page: Page, server: Server) -> None:
    go_to(page, "Settings")
    tokens = page.locator("#kb-tokens")
    expect(tokens).to_contain_text("No program has a token.")
    tokens.get_by_label("Name of the program").fill("<b>agent</b>")
    tokens.get_by_label("Delete").check()
    tokens.get_by_role("button", name="Make a token").click()
    shown = tokens.locator(".kb-token-text")
    expect(shown).to_be_visible()
    assert violations(page) == []
    headers = {"Authorization": f"Bearer {shown.inner_text()}"}
    status = f"{server.url}/api/v1/status"
    assert httpx.get(status, headers=headers).status_code == 200
    assert httpx.post(f"{server.url}/api/v1/documents", headers=headers).status_code == 403
    page.reload()
    row = tokens.get_by_role("listitem")
    expect(row).to_contain_text("<b>agent</b>")
    expect(row).to_contain_text("may delete, read")
    expect(shown).to_have_count(0)
    # A second one of that name is refused, in words.
    tokens.get_by_label("Name of the program").fill("<b>agent</b>")
    tokens.get_by_role("button", name="Make a token").click()
    expect(tokens.get_by_role("alert")).to_contain_text("There is a token")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(tokens).to_contain_text("No program has a token.")
    assert httpx.get(status, headers=headers).status_code == 401
