/* What pages do beyond HTML and htmx; they work without. */
(() => {
  const on = (type, act) => document.addEventListener(type, act);

  /* Escape closes a menu behind three dots, and leaves the focus on its button. */
  const closeMenu = (menu) => {
    menu.open = false;
    return menu.firstElementChild;
  };
  on('keydown', (event) => {
    if (event.key !== 'Escape') return;
    const menu = event.target.closest?.('.more[open]');
    if (menu) closeMenu(menu).focus();
  });

  /* `/` goes to the search, but not while typing. */
  on('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.('input, select, textarea, dialog')) return;
    const search = document.querySelector('input[type="search"]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  /* A choice that is sent at once; where arrows or letters go through all, by the button that shows then. */
  let goesThrough = false;
  on('keydown', ({ key }) => {
    goesThrough = /^(Arrow|Page|Home|End|[^ ]$)/.test(key);
  });
  on('pointerdown', () => {
    goesThrough = false;
  });
  on('change', ({ target }) => {
    if (!target.matches?.('select[data-sends]')) return;
    if (goesThrough) target.form.dataset.waits = '';
    else target.form.requestSubmit();
  });

  /* Copy buttons: hidden where there is no clipboard, as over http. */
  const showCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('[data-copy][hidden]')) button.hidden = false;
  };
  const copy = async (button) => {
    // Of a button that may be pressed again while it says so.
    button.dataset.name ??= button.ariaLabel;
    const { name } = button.dataset;
    const text = document.getElementById(button.dataset.copy)?.textContent ?? '';
    const said = await navigator.clipboard.writeText(text).then(
      () => 'Copied',
      () => 'Not allowed',
    );
    button.textContent = said;
    // What is seen is part of what is said.
    button.ariaLabel = name.replace('Copy', said);
    setTimeout(() => {
      button.textContent = 'Copy';
      button.ariaLabel = name;
    }, 2000);
  };

  /* The page's one dialog is modal: it keeps the focus, and gives it back. A menu that led to it is closed behind it. */
  let asker = null;
  const showDialog = () => {
    const dialog = document.querySelector('dialog[open]:not(:modal, [popover])');
    if (!dialog) return;
    dialog.removeAttribute('open');
    const menu = asker?.closest('.more');
    if (menu) asker = closeMenu(menu);
    dialog.showModal();
    dialog.onclose = () => asker?.focus();
  };
  on('click', (event) => {
    asker = event.target.closest?.('a[hx-target="#question"]') ?? asker;
    const button = event.target.closest?.('[data-copy]');
    if (button) copy(button);
    const close = event.target.closest?.('[data-close]');
    // Else the link leads to the page without its question.
    if (!close || close.pathname + close.search !== location.pathname + location.search) return;
    event.preventDefault();
    close.closest('dialog').close();
  });

  /*
   * Live parts: silent in a hidden tab; after 5 s without any answer they say so. /live is asked beside those that ask seldom: its
   * answer counts while no part waits for its own, its silence once it was heard.
   */
  const PATIENCE_S = 5;
  const ASK_AFTER_S = 2;
  const title = document.title;
  const waiting = new WeakSet();
  let answeredAt = new Date();
  let silentFor = 0;
  let isHeard = false;
  let mayAsk = true;
  const isLive = (event) => event.target.matches?.('[hx-trigger^="every"]');
  const liveParts = () => [...document.querySelectorAll('[hx-trigger^="every"]')];
  const isOwed = () => liveParts().some((part) => waiting.has(part));
  const showLost = () => {
    for (const part of liveParts()) {
      const words = part.querySelector('.live-lost') ?? document.createElement('p');
      part.prepend(words);
      part.classList.add('live-region', 'is-lost');
      words.className = 'live-lost';
      words.role = 'status';
      words.textContent = `No answer since ${answeredAt.toTimeString().slice(0, 8)}, trying again`;
    }
  };
  const answered = () => {
    silentFor = 0;
    answeredAt = new Date();
    for (const part of document.querySelectorAll('.is-lost')) {
      part.classList.remove('is-lost');
      part.querySelector('.live-lost')?.replaceChildren();
    }
  };
  const ask = async () => {
    mayAsk = false;
    let status = 503;
    try {
      const signal = AbortSignal.timeout(PATIENCE_S * 1000);
      // One that leads elsewhere has the status 0.
      const answer = await fetch('/live', { method: 'HEAD', cache: 'no-store', redirect: 'manual', signal });
      status = answer.status;
    } catch {
      // As if a proxy said it.
    }
    const isThere = status === 200;
    // Any other answer is not the app's: a proxy keeps /live to itself, and is not asked again.
    mayAsk = isThere || status >= 500;
    isHeard = isThere || (isHeard && mayAsk);
    if (isThere && !isOwed()) answered();
  };
  // Counted, and not by the clock: it goes on while the computer sleeps.
  setInterval(() => {
    const isShown = !document.hidden && liveParts().length > 0;
    silentFor = isShown && (isHeard || isOwed()) ? silentFor + 1 : 0;
    if (isShown && mayAsk && (!isHeard || silentFor >= ASK_AFTER_S)) ask();
    if (silentFor === PATIENCE_S) showLost();
  }, 1000);
  on('htmx:config:request', (event) => {
    if (!isLive(event)) return;
    if (document.hidden) return event.preventDefault();
    waiting.add(event.target);
    event.detail.ctx.request.timeout = PATIENCE_S * 1000;
  });
  on('htmx:after:request', (event) => {
    // A proxy's 502 is no answer.
    if (!isLive(event) || event.detail.ctx.response.status >= 500) return;
    waiting.delete(event.target);
    // Not /live alone was silent, or it is not to be trusted: it must be heard again.
    if (silentFor >= PATIENCE_S) isHeard = false;
    answered();
  });

  /* Where a swap takes away what has the focus, the part that took its place has it next. */
  let places = [];
  on('htmx:before:swap', () => {
    places = [];
    for (let place = document.activeElement; place; place = place.parentElement) {
      if (place.id) places.push(place.id);
    }
  });
  const keepFocus = () => {
    if (document.activeElement !== document.body) return;
    const place = places.map((id) => document.getElementById(id)).find((element) => element?.offsetHeight);
    if (!place) return;
    if (place.tabIndex < 0) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };

  const changed = () => {
    keepFocus();
    // As the button says that is pressed: its answer is no whole page.
    const look = document.querySelector('.theme-choice [aria-pressed="true"]')?.value;
    if (look) document.documentElement.dataset.theme = look;
    if (look === 'auto') delete document.documentElement.dataset.theme;
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
