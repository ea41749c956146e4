import { short } from '../short-text.ts';
import { type Composed, composeNews, type News } from './compose.ts';

/** Lines that a message of a chat has at most: more is read in the app. */
const MOST_LINES = 10;
/** What each line keeps of its message, however many and long they are: what happened, and where. */
const FEWEST_CHARACTERS = 60;

export interface Fitted {
  readonly said: Composed;
  /** What is made of it. */
  readonly text: string;
}

/**
 * News as a text that its service takes: of messages that are too long together each is shortened alike, so that a tool that printed much
 * for the first hides none of the others. Only where that is not enough the end is cut off.
 */
export function fitted(
  news: News,
  textOf: (said: Composed) => string,
  fits: (text: string) => boolean,
): Fitted {
  const whole = composeNews(news, MOST_LINES);
  let said = whole;
  let most = Math.max(0, ...whole.lines.map(({ message }) => message.length));
  while (!fits(textOf(said)) && most > FEWEST_CHARACTERS) {
    most = Math.max(FEWEST_CHARACTERS, Math.floor(most * 0.8));
    said = shortened(whole, most);
  }
  let text = textOf(said);
  while (!fits(text)) text = short(text, Math.floor(text.length * 0.9));
  return { said, text };
}

function shortened(said: Composed, most: number): Composed {
  const lines = said.lines.map((line) => ({ ...line, message: short(line.message, most) }));
  return { ...said, lines };
}
