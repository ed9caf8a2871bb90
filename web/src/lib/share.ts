/** What other pages embed: the badge, snippets of it, and a bookmarklet that finds an identifier on any page. */

export interface Share {
  link: string;
  badge: string;
  markdown: string;
  html: string;
}

export function shareOf(origin: string, path: string, label: string): Share {
  const link = origin + path;
  const badge = `${origin}/badge.svg?text=${encodeURIComponent(label)}`;
  return {
    link,
    badge,
    markdown: `[![${label}](${badge})](${link})`,
    html: `<a href="${attribute(link)}"><img src="${attribute(badge)}" alt="${attribute(label)}"></a>`,
  };
}

/**
 * A bookmark that opens the launch page for the dataset of the page it is pressed on: first what the page
 * says of itself in its metadata, then the first DOI it links to, then its own address.
 */
export function bookmarklet(origin: string): string {
  const code = `(()=>{
const m=n=>{const e=document.querySelector('meta[name="'+n+'" i],meta[property="'+n+'" i]');return e&&e.content};
const a=document.querySelector('a[href*="doi.org/10."]');
const id=m('citation_doi')||m('dc.identifier')||m('dcterms.identifier')||m('prism.doi')||(a&&a.href)||location.href;
window.open(${JSON.stringify(`${origin}/launch?id=`)}+encodeURIComponent(id),'_blank','noopener');
})()`;
  return `javascript:${encodeURIComponent(code.replaceAll("\n", ""))}`;
}

function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
