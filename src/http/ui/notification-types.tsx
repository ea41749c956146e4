import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { TypeFormPage } from '../../../views/notifications/type-form-page.tsx';
import { TypesPage } from '../../../views/notifications/types-page.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { AppError } from '../../errors.ts';
import { isBounced } from '../../notifications/announce.ts';
import { changeType, readTypes, type SetType, typeChange } from '../../notifications/type-settings.ts';
import { WAYS } from '../../notifications/types.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { type FormBody, isTicked, numberOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const PAGE = '/notifications/types';
const MINUTE_S = 60;

/** What there is to be told, and what each does unless its user wants otherwise. Admins alone. */
export function notificationTypeRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get(PAGE, only('admin'), async (c) => {
    const types = [...(await readTypes(services.db)).values()];
    const items = types.map((type) => ({ ...type, isBounced: isBounced(type.id) }));
    return sendPage(c, <TypesPage frame={await frameOf(c, services)} types={items} />);
  });

  ui.get(`${PAGE}/:typeId`, only('admin'), async (c) => {
    const type = await typeNamed(services, c.req.param('typeId'));
    return sendForm(c, services, type, editForm(valuesOf(type)));
  });

  ui.post(`${PAGE}/:typeId`, only('admin'), async (c) => {
    const type = await typeNamed(services, c.req.param('typeId'));
    return submit(c, services, {
      parse: (body) => typeForm.safeParse(inputOf(body, type)),
      stored: async () => valuesOf(await typeNamed(services, type.id)),
      refuse: (form) => sendForm(c, services, type, form),
      act: async (input) => {
        await changeType(services, actorOf(c, services), type.id, changeOf(input, type));
        return { to: PAGE, say: 'type-saved' };
      },
    });
  });

  return ui;
}

async function typeNamed({ db }: Services, id: string): Promise<SetType> {
  const type = [...(await readTypes(db)).values()].find((one) => one.id === id);
  if (type === undefined) throw new AppError('not_found', 'Notification type not found');
  return type;
}

async function sendForm(
  c: Context<UiEnv>,
  services: Services,
  type: SetType,
  form: FormState,
): Promise<Response> {
  return sendPage(
    c,
    <TypeFormPage
      frame={await frameOf(c, services)}
      type={{ ...type, isBounced: isBounced(type.id) }}
      form={form}
    />,
    c.req.method === 'POST' ? 422 : 200,
  );
}

/** As the boxes and fields of the form show it. */
function valuesOf(type: SetType): FormBody {
  const ticked = (isOn: boolean) => (isOn ? 'true' : '');
  return {
    enabled: ticked(type.enabled),
    ...Object.fromEntries(WAYS.map((way) => [way, ticked(type.defaultChannels.includes(way))])),
    bounceEnabled: ticked(type.bounceEnabled),
    bounceThreshold: String(type.bounceThreshold),
    cooldownMinutes: String(minutesOf(type)),
  };
}

const typeForm = typeChange.omit({ bounceCooldown: true }).extend({
  cooldownMinutes: z
    .number({ error: 'Must be a number' })
    .int()
    .min(1, { error: 'Must be at least 1' })
    .max(1440, { error: 'Must be at most 1440, which is a day' })
    .optional(),
});

/** What the form does not show of a type is left as it is. */
function inputOf(body: FormBody, { id }: SetType) {
  return {
    enabled: isTicked(body, 'enabled'),
    defaultChannels: WAYS.filter((way) => isTicked(body, way)),
    ...(isBounced(id) && {
      bounceEnabled: isTicked(body, 'bounceEnabled'),
      bounceThreshold: numberOf(body, 'bounceThreshold'),
      cooldownMinutes: numberOf(body, 'cooldownMinutes'),
    }),
  };
}

/** Seconds that are no whole minute are kept, where nobody has changed what is shown of them. */
function changeOf({ cooldownMinutes: minutes, ...change }: z.infer<typeof typeForm>, type: SetType) {
  if (minutes === undefined || minutes === minutesOf(type)) return change;
  return { ...change, bounceCooldown: minutes * MINUTE_S };
}

const minutesOf = ({ bounceCooldown }: SetType) => Math.round(bounceCooldown / MINUTE_S);
