/* The meter below a field where a password is chosen. zxcvbn runs in the browser: what is typed goes nowhere. */
(() => {
  const WORDS = [
    'Would be guessed at once',
    'Would be guessed soon',
    'Would be guessed with patience',
    'Good',
    'Very good',
  ];
  const { core, 'language-common': common } = globalThis.zxcvbnts;
  let zxcvbn;

  const attach = (strength) => {
    const input = document.getElementById(strength.dataset.field);
    const meter = strength.querySelector('meter');
    const words = strength.querySelector('.password-strength-words');
    const show = () => {
      const isUnused = input.value === '';
      strength.classList.toggle('is-unused', isUnused);
      if (isUnused) return;
      zxcvbn ??= new core.ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs });
      const { score } = zxcvbn.check(input.value.slice(0, 128), ['bridgeport', 'storage', 'backup']);
      meter.value = score;
      words.textContent = WORDS[score];
    };
    input.addEventListener('input', core.debounce(show, 150));
    // Its place is kept from now on: a meter that came while somebody presses the button below would move it away.
    strength.hidden = false;
    show();
  };
  for (const strength of document.querySelectorAll('.password-strength')) attach(strength);
})();
