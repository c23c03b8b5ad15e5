// SPDX-License-Identifier: MIT
//
// Random schedules of what SockJS clients may do, each step at a random gateway, against a model of what each session must
// have received (tests/lib/actor.mjs).
//
// A schedule is drawn whole from its seed before it runs: who, what, where. Timing is the machine's, so a repeated seed
// repeats the steps, not every race. SLUICE_SEED=n chooses the seed (else one fixed and one new one share the schedules),
// SLUICE_SCHEDULES=n their number, SLUICE_SCHEDULE=n runs that one alone, SLUICE_SCHEDULE_MS how long each may take.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { Actor } from '../lib/actor.mjs';
import { RawSession, abortAll } from '../lib/rawsockjs.mjs';
import { withStack } from '../lib/stack.mjs';
import { ENDPOINTS, FAMILIES } from '../lib/talk.mjs';
import { test } from '../lib/test.mjs';

const FIXED_SEED = 20250717;
const SCHEDULES = Number(process.env.SLUICE_SCHEDULES ?? 1000);
const isShort = SCHEDULES < 500 || process.env.SLUICE_SCHEDULE !== undefined;
const AT_ONCE = 50;
const SCHEDULE_LIMIT_MS = Number(process.env.SLUICE_SCHEDULE_MS ?? 60_000);

/** Counters of the broker: what the schedules are there to provoke. */
const MUST_OCCUR = ['sessions_moved', 'yields_yielded', 'yields_refused', 'relays', 'relays_queued', 'claims_closed'];

const ACTIONS = {
  receive: 6,
  wait: 5,
  send: 5,
  sendOn: 4, // and go on before the answer
  half: 3,
  parallel: 2,
  rival: 2,
  race: 2,
  stranger: 1,
  abort: 0.8,
  leave: 0.5,
};

/** mulberry32 */
function random(seed) {
  let state = seed >>> 0;
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (limit) => Math.floor(draw() * limit), chance: (part) => draw() < part, draw };
}

function pickAction(rng) {
  let left = rng.draw() * Object.values(ACTIONS).reduce((sum, weight) => sum + weight);
  return Object.keys(ACTIONS).find((action) => (left -= ACTIONS[action]) < 0);
}

/** The whole schedule: sessions, and steps as {who, what, numbers}. */
function plan(seed, index) {
  const rng = random(seed * 1_000_003 + index);
  const sessions = Array.from({ length: 1 + rng.below(3) }, () => ({
    kind: rng.chance(0.4) ? 'echo' : 'stomp',
    family: rng.chance(0.4) ? 'xhr' : FAMILIES[rng.below(FAMILIES.length)],
  }));
  const steps = Array.from({ length: 10 + rng.below(16) }, () => ({
    who: rng.below(sessions.length),
    what: pickAction(rng),
    at: [0, 1, 2, 3].map(() => rng.below(60)),
    count: 1 + rng.below(3),
    isStream: rng.chance(0.4),
    how: ['reset', 'fin', 'half'][rng.below(3)],
  }));
  return { name: `${seed}/${index}`, sessions, steps, picks: random(seed + index) };
}

/** What a step does with its session; those that make no sense now do nothing. */
const STEPS = {
  receive(actor, { isStream }, urls) {
    actor.live.length === 0 && actor.receive(urls[0], isStream);
  },
  rival(actor, { isStream }, urls) {
    actor.live.length === 1 && actor.receive(urls[0], isStream);
  },
  race(actor, { isStream }, urls) {
    if (actor.live.length === 0) {
      actor.receive(urls[0], isStream);
      actor.receive(urls[1], isStream);
    }
  },
  async wait(actor) {
    const seen = actor.history.length;
    while (actor.live.length === 1 && actor.missing().length > 0 && actor.history.length === seen) {
      await actor.changed();
    }
  },
  async send(actor, { count }, urls) {
    await actor.sent();
    await actor.send(urls[0], actor.compose(count));
  },
  async sendOn(actor, { count }, urls) {
    await actor.sent();
    actor.send(urls[0], actor.compose(count));
  },
  async half(actor, { count, at }, urls) {
    await actor.sent();
    actor.send(urls[0], actor.compose(actor.kind === 'stomp' ? count - 1 : count, 1 + at[3]));
  },
  async parallel(actor, { count }, urls) {
    await actor.sent();
    if (actor.rest === null) {
      await Promise.all(urls.map((url) => actor.send(url, actor.compose(count))));
    }
  },
  async stranger(actor, _, urls) {
    const isSure = actor.opens === 1 && actor.mayEnd.size === 0;
    const family = FAMILIES.find((one) => one !== actor.family);
    const exchange = new RawSession(family, actor.session).receive(urls[0]);
    const status = await exchange.answered();
    actor.check(!isSure || actor.mayEnd.size > 0 || status === 404, `another family was answered ${status}`);
    const frames = await exchange.all();
    actor.note(`a stranger over ${family} got`, status, JSON.stringify(frames));
    actor.check(frames.every(({ type, code }) => type === 'c' && code !== 2010), `another family got ${JSON.stringify(frames)}`);
  },
  async abort(actor, { how, count }) {
    const [one] = actor.live;
    // Mostly in the middle of things; else so that the outcome is certain.
    const isSeated = count === 1 && one !== undefined && (await actor.isSeated(one));
    if (one !== undefined && one.end === Infinity) {
      actor.abort(one, how, isSeated);
      isSeated && (await one.settled);
    }
  },
  async leave(actor, _, urls) {
    await actor.sent();
    actor.kind === 'stomp' && actor.mayEnd.size === 0 && actor.leave(urls[0]);
  },
};

async function play(schedule, urls, onFault) {
  const room = Object.assign([], { destination: `/topic/${schedule.name}` });
  const actors = schedule.sessions.map(({ kind, family }, i) => {
    const own = kind === 'stomp' ? room : Object.assign([], { destination: '' });
    return new Actor(`s${i}`, kind, family, own, onFault);
  });
  schedule.actors = actors;
  const pick = () => ({ url: urls[schedule.picks.below(urls.length)], isStream: schedule.picks.chance(0.4) });
  await Promise.all(actors.map((actor) => actor.open(pick)));
  for (const step of schedule.steps) {
    schedule.step = step;
    const actor = actors[step.who];
    actor.note('step', step.what);
    await STEPS[step.what](actor, step, step.at.map((at) => urls[at % urls.length]));
  }
  // All bodies are answered before anybody asks what is missing.
  await Promise.all(actors.map((actor) => actor.sent()));
  schedule.step = 'catch up';
  await Promise.all(actors.map((actor) => actor.catchUp(pick)));
  schedule.step = 'bury';
  await Promise.all(actors.map((actor) => actor.bury(pick)));
  actors.forEach((actor) => actor.judge());
  schedule.step = 'over';
}

/** All that the actor at fault saw, among the last that the others saw. */
function historyOf(schedule, faulty) {
  const order = (line) => parseInt(line, 10);
  const recent = schedule.actors.flatMap((actor) => actor.history).sort((a, b) => order(a) - order(b)).slice(-80);
  return [...new Set([...(faulty?.history ?? []), ...recent])].sort((a, b) => order(a) - order(b)).join('\n');
}

async function run(schedule, urls) {
  let timer;
  try {
    await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${SCHEDULE_LIMIT_MS} ms`)), SCHEDULE_LIMIT_MS);
      play(schedule, urls, reject).then(resolve, reject);
    });
  } catch (error) {
    error.stack = `schedule ${schedule.name} at ${JSON.stringify(schedule.step)}: ${error.stack}\n${historyOf(schedule, error.actor)}`;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

test(`${SCHEDULES} random schedules over three gateways keep every promise`, async () => {
  let ended = null;
  await withStack(
    { gateway: { endpoints: ENDPOINTS({ disconnect_delay: '60s', response_limit: '1KiB' }), limits: { connections: 20000 } } },
    async (stack) => {
      const seeds = process.env.SLUICE_SEED ? [Number(process.env.SLUICE_SEED)] : [FIXED_SEED, randomInt(2 ** 31)];
      console.log(`     seeds ${seeds.join(' and ')}`);
      const todo = Array.from({ length: SCHEDULES }, (_, i) => plan(seeds[i % seeds.length], i));
      const chosen = process.env.SLUICE_SCHEDULE;
      const queue = chosen === undefined ? todo : [plan(seeds[Number(chosen) % seeds.length], Number(chosen))];
      const lanes = Array.from({ length: AT_ONCE }, async () => {
        for (let schedule; (schedule = queue.shift()); ) {
          await run(schedule, stack.urls);
        }
      });
      await Promise.all(lanes);
      abortAll();
      ended = stack;
    },
    { gateways: 3 },
  );
  const { fields } = await ended.broker.waitFor('broker_stopped');
  const counts = Object.fromEntries(MUST_OCCUR.map((name) => [name, Number(fields[name])]));
  console.log(`     ${Object.entries(counts).map(([name, count]) => `${name}=${count}`).join(' ')}`);
  const absent = MUST_OCCUR.filter((name) => !(counts[name] > 0));
  assert.ok(absent.length === 0 || isShort, `what so many schedules always meet: no ${absent}`);
});
