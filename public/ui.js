/* What pages do beyond HTML and htmx; each works without it. */
(() => {
  /* `/` goes to the search field, as people know it; never while something is typed. */
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.('input, select, textarea, [contenteditable], dialog')) return;
    const search = document.querySelector('input[type="search"]');
    if (search === null) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  /* Buttons that copy a text, which stay hidden where a page may not write to the clipboard (plain http). */
  const said = (button, text) => {
    const before = button.textContent;
    button.textContent = text;
    setTimeout(() => {
      button.textContent = before;
    }, 2000);
  };
  const showCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('button[data-copy][hidden]')) button.hidden = false;
  };
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('button[data-copy]');
    if (!button) return;
    const text = document.getElementById(button.dataset.copy)?.textContent ?? '';
    navigator.clipboard.writeText(text).then(
      () => said(button, 'Copied'),
      () => said(button, 'Not allowed here'),
    );
  });
  document.addEventListener('htmx:after:swap', showCopyButtons);
  showCopyButtons();
})();
