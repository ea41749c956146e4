/* What pages do beyond HTML and htmx; they work without. */
(() => {
  const on = (type, act) => document.addEventListener(type, act);

  /* `/` goes to the search, but not while typing. */
  on('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.('input, select, textarea, dialog')) return;
    const search = document.querySelector('input[type="search"]');
    if (search === null) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  /* A choice that is sent at once. */
  on('change', (event) => {
    if (event.target.matches?.('select[data-sends]')) event.target.form.requestSubmit();
  });

  /* Copy buttons: hidden where there is no clipboard, as over http. */
  const showCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('button[data-copy][hidden]')) button.hidden = false;
  };
  const copy = async (button) => {
    const label = button.textContent;
    const text = document.getElementById(button.dataset.copy)?.textContent ?? '';
    button.textContent = await navigator.clipboard.writeText(text).then(
      () => 'Copied',
      () => 'Not allowed',
    );
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  };

  /* The page's one dialog is modal: it keeps the focus, and gives it back. */
  let asker = null;
  const showDialog = () => {
    const dialog = document.querySelector('dialog[open]:not(:modal, [popover])');
    if (dialog === null) return;
    dialog.removeAttribute('open');
    dialog.showModal();
    dialog.onclose = () => asker?.focus();
  };
  on('click', (event) => {
    asker = event.target.closest?.('a[hx-target="#question"]') ?? asker;
    const button = event.target.closest?.('button[data-copy]');
    if (button) copy(button);
    const close = event.target.closest?.('a[data-close]');
    // Else the link leads to the page without its question.
    if (!close || close.href !== location.href) return;
    event.preventDefault();
    close.closest('dialog').close();
  });

  /* Live parts: silent in a hidden tab; after 5 s without any answer they say so. One that asks seldom has the app asked beside it. */
  const PATIENCE_S = 5;
  const ASK_AFTER_S = 2;
  const title = document.title;
  let answeredAt = new Date();
  let silentFor = 0;
  let isAsking = false;
  const isLive = (event) => event.target.matches?.('[hx-trigger^="every"]');
  const liveParts = () => document.querySelectorAll('[hx-trigger^="every"]');
  const showLost = () => {
    for (const part of liveParts()) {
      let words = part.querySelector('.live-lost');
      if (words === null) {
        words = document.createElement('p');
        words.className = 'live-lost';
        part.prepend(words);
      }
      part.classList.add('live-region', 'is-lost');
      words.setAttribute('role', 'status');
      words.textContent = `No answer since ${answeredAt.toTimeString().slice(0, 8)}, trying again`;
    }
  };
  const answered = (status) => {
    // A proxy's 502 is no answer.
    if (status >= 500) return;
    silentFor = 0;
    answeredAt = new Date();
    for (const part of document.querySelectorAll('.is-lost')) {
      part.classList.remove('is-lost');
      part.querySelector('.live-lost')?.replaceChildren();
    }
  };
  const ask = async () => {
    isAsking = true;
    const signal = AbortSignal.timeout(PATIENCE_S * 1000);
    await fetch('/live', { method: 'HEAD', cache: 'no-store', signal }).then(
      ({ status }) => answered(status),
      () => {},
    );
    isAsking = false;
  };
  // Counted, and not by the clock: it goes on while the computer sleeps.
  setInterval(() => {
    if (document.hidden || liveParts().length === 0) {
      silentFor = 0;
      return;
    }
    silentFor += 1;
    if (silentFor >= ASK_AFTER_S && !isAsking) ask();
    if (silentFor === PATIENCE_S) showLost();
  }, 1000);
  on('htmx:config:request', (event) => {
    if (!isLive(event)) return;
    if (document.hidden) event.preventDefault();
    else event.detail.ctx.request.timeout = PATIENCE_S * 1000;
  });
  on('htmx:after:request', (event) => {
    if (isLive(event)) answered(event.detail.ctx.response.status);
  });

  const changed = () => {
    showCopyButtons();
    showDialog();
    const live = document.querySelector('[data-title]');
    document.title = live ? `${live.dataset.title} · ${title}` : title;
  };
  on('htmx:after:swap', changed);
  changed();

  /* The zone of exact times, from the next page on. */
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  // biome-ignore lint/suspicious/noDocumentCookie: Cookie Store needs https.
  if (timeZone) document.cookie = `bridgeport_zone=${timeZone}; path=/; max-age=31536000; samesite=lax`;
})();
