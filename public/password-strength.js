/*
 * The meter below a field where a password is chosen. zxcvbn runs in the browser: what is typed goes nowhere. It is seven times as
 * large as all else that a page loads, and comes once somebody types.
 */
(() => {
  const WORDS = [
    'Would be guessed at once',
    'Would be guessed soon',
    'Would be guessed with patience',
    'Good',
    'Very good',
  ];
  const PAUSE_MS = 150;
  let zxcvbn = null;
  let loading = null;

  const load = (src) =>
    new Promise((loaded, failed) => {
      const script = document.createElement('script');
      Object.assign(script, { src, onload: loaded, onerror: failed });
      document.head.append(script);
    });
  const loadAll = async (addresses) => {
    try {
      await Promise.all(addresses.map(load));
      const { core, 'language-common': common } = globalThis.zxcvbnts;
      zxcvbn = new core.ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs });
    } catch {
      // The app is not there now: the next letter tries again.
      loading = null;
    }
  };

  const attach = (strength) => {
    const input = document.getElementById(strength.dataset.field);
    const meter = strength.querySelector('meter');
    const words = strength.querySelector('.password-strength-words');
    const show = async () => {
      if (input.value !== '') {
        loading ??= loadAll(strength.dataset.loads.split(' '));
        await loading;
      }
      // As it is by then.
      const isUnused = input.value === '' || zxcvbn === null;
      strength.classList.toggle('is-unused', isUnused);
      if (isUnused) return;
      // Whose it is, where the form asks for that too.
      const person = [...input.form.querySelectorAll('[name="email"], [name="name"]')].map(
        ({ value }) => value,
      );
      const { score } = zxcvbn.check(input.value.slice(0, 128), [
        'bridgeport',
        'storage',
        'backup',
        ...person,
      ]);
      meter.value = score;
      words.textContent = WORDS[score];
    };
    let pause;
    input.addEventListener('input', () => {
      clearTimeout(pause);
      pause = setTimeout(show, PAUSE_MS);
    });
    // Its place is kept from now on: a meter that came while somebody presses the button below would move it away.
    strength.hidden = false;
    show();
  };
  for (const strength of document.querySelectorAll('.password-strength')) attach(strength);
})();
