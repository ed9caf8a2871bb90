import { afterEach, describe, expect, it, vi } from "vitest";
import { bookmarklet, shareOf } from "./share";

describe("snippets", () => {
  it("link the badge to the launch page, in Markdown and in HTML", () => {
    const share = shareOf("https://hub.example", "/launch?id=doi:10.5072/a&tool=t", "launch it");
    expect(share.markdown).toBe("[![launch it](https://hub.example/badge.svg?text=launch%20it)](https://hub.example/launch?id=doi:10.5072/a&tool=t)");
    expect(share.html).toContain('href="https://hub.example/launch?id=doi:10.5072/a&amp;tool=t"');
  });
});

describe("the bookmarklet", () => {
  afterEach(() => {
    document.head.innerHTML = "";
    document.body.innerHTML = "";
  });

  const press = () => {
    const open = vi.spyOn(window, "open").mockReturnValue(null);
    const code = decodeURIComponent(bookmarklet("https://hub.example").slice("javascript:".length));
    new Function(code)();
    return open.mock.calls[0]?.[0];
  };

  it("takes the identifier that the page states", () => {
    document.head.innerHTML = '<meta name="citation_doi" content="10.5072/abc">';
    expect(press()).toBe("https://hub.example/launch?id=10.5072%2Fabc");
  });

  it("else the first DOI that the page links to", () => {
    document.body.innerHTML = '<a href="https://doi.org/10.5072/xyz">data</a>';
    expect(press()).toBe("https://hub.example/launch?id=https%3A%2F%2Fdoi.org%2F10.5072%2Fxyz");
  });

  it("else the page's own address", () => {
    expect(press()).toBe(`https://hub.example/launch?id=${encodeURIComponent(location.href)}`);
  });
});
