//! What people with other eyes, hands and ears need of every page (WCAG 2.2 AA), as far as a program can check it.
//! Own checks: the usual library comes from a registry of another language, and these tests need no network.

use crate::Tab;
use serde_json::Value;

/// Finds, in the page that is shown: what has no name, headings out of order, text that is too pale, what is too
/// small to be hit, tables and pictures without words, names that lead nowhere.
const FAULTS: &str = r#"
const faults = [], seen = (one) => one.checkVisibility() && one.getClientRects().length > 0;
const told = (one) => one.outerHTML.slice(0, 120);
const all = (selector) => [...document.querySelectorAll(selector)];
const words = (one) => (one.getAttribute('aria-label') ?? [...(one.labels ?? [])].map((label) => label.textContent).join(' ')).trim()
  || ((one.matches('a, button, summary') ? one.textContent : '') || '').trim();

for (const one of all('a[href], button, summary, input:not([type=hidden]), select, textarea'))
  if (!words(one)) faults.push('no name: ' + told(one));
for (const one of all('img')) if (!one.hasAttribute('alt')) faults.push('no alt: ' + told(one));
for (const one of all('svg')) {
  const named = one.getAttribute('role') === 'img' && one.getAttribute('aria-label');
  if (!named && one.getAttribute('aria-hidden') !== 'true') faults.push('a drawing without words: ' + told(one));
}
let level = 0;
for (const one of all('h1, h2, h3, h4, h5, h6')) {
  const now = Number(one.tagName[1]);
  if (now > level + 1) faults.push('a heading leaps: ' + told(one));
  level = now;
}
if (all('h1').length !== 1) faults.push(all('h1').length + ' first headings');
if (all('main').length !== 1 || !document.documentElement.lang || !document.title) faults.push('main, language or title is missing');
const ids = all('[id]').map((one) => one.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('an id twice: ' + id);
for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for'])
  for (const one of all(`[${name}]`))
    for (const id of one.getAttribute(name).split(/\s+/)) if (!document.getElementById(id)) faults.push(`${name} leads nowhere: ` + told(one));
for (const one of all('table')) {
  if (!one.caption) faults.push('a table without a caption: ' + told(one));
  for (const head of one.querySelectorAll('th')) if (!head.scope) faults.push('a head without scope: ' + told(head));
}
for (const one of all('[tabindex]')) if (one.tabIndex > 0) faults.push('a tab order of its own: ' + told(one));
for (const list of all('ul, ol')) for (const one of list.children) if (one.tagName !== 'LI') faults.push('no item of a list: ' + told(one));

// Links within a line of text may be as small as the line.
for (const one of all('a[href], button, summary, input:not([type=hidden]), select, textarea')) {
  const box = one.getBoundingClientRect(), inline = getComputedStyle(one).display === 'inline';
  const apart = one.closest('.unseen, .skip');
  if (seen(one) && !inline && !apart && (box.width < 24 || box.height < 24)) faults.push(`too small (${box.width} by ${box.height}): ` + told(one));
}

const parts = (colour) => { const found = colour.match(/[\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
const light = (colour) => {
  const [r, g, b] = parts(colour).map((one) => { const c = one / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (one) => {
  for (let at = one; at; at = at.parentElement) { const found = getComputedStyle(at).backgroundColor; if (parts(found)[3] === 1) return found; }
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)';
};
const contrast = (ink, on) => { const [a, b] = [light(ink), light(on)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); };
const tried = new Set();
const check = (one, style, what) => {
  const on = ground(one), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
  const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5, key = [style.color, on, least].join();
  if (tried.has(key)) return;
  tried.add(key);
  const found = contrast(style.color, on);
  if (found < least) faults.push(`${what} ${found.toFixed(2)} (${style.color} on ${on}): ` + told(one));
};
for (const one of all('body *')) {
  const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (text && seen(one) && !one.closest('svg, .unseen, .skip')) check(one, getComputedStyle(one), 'contrast');
  if (one.placeholder && seen(one)) check(one, getComputedStyle(one, '::placeholder'), 'contrast of a placeholder');
}
for (const one of all('svg text')) if (seen(one)) {
  const found = contrast(getComputedStyle(one).fill, ground(one.closest('svg').parentElement));
  if (found < 4.5) faults.push(`contrast ${found.toFixed(2)}: ` + told(one));
}
// What one can use is seen against what it lies on.
for (const one of all('input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, textarea')) if (seen(one)) {
  const found = contrast(getComputedStyle(one).borderTopColor, ground(one.parentElement));
  if (found < 3) faults.push(`a field's edge ${found.toFixed(2)}: ` + told(one));
}
return faults;
"#;

/// What is wrong with the page that this tab shows.
pub fn faults(tab: &Tab) -> Vec<String> {
    let found = tab.runs(FAULTS);
    let found = found.as_array().unwrap_or_else(|| panic!("{found}"));
    let text = |fault: &Value| fault.as_str().unwrap_or_default().to_owned();
    found.iter().map(text).collect()
}
