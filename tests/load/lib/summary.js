// SPDX-License-Identifier: MIT
//
// The end of a run, for a person: accounts, times, verdict.

const at = (data, metric, value) => data.metrics[metric]?.values[value];
const count = (data, metric) => at(data, metric, 'count') ?? 0;
const ms = (value) => (value === undefined ? '-' : `${value.toFixed(1)} ms`);

function times(data, metric) {
  return `median ${ms(at(data, metric, 'med'))}, p95 ${ms(at(data, metric, 'p(95)'))}, worst ${ms(at(data, metric, 'max'))}`;
}

function verdict(data) {
  const missed = [];
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [text, threshold] of Object.entries(metric.thresholds ?? {})) {
      if (!threshold.ok) {
        missed.push(`${name} ${text}`);
      }
    }
  }
  return missed.length === 0 ? 'passed' : `FAILED: ${missed.join('; ')}`;
}

export function summary(title) {
  return (data) => ({
    stdout: [
      '',
      `${title}: ${verdict(data)}`,
      `  sent      ${count(data, 'messages_sent')}`,
      `  received  ${count(data, 'messages_received')}`,
      `  lost      ${count(data, 'messages_lost')}`,
      `  doubled   ${count(data, 'messages_doubled')}`,
      `  disorder  ${count(data, 'messages_disordered')}`,
      `  errors    ${count(data, 'client_errors')}`,
      `  delivery  ${times(data, 'delivery_ms')}`,
      `  ready     ${times(data, 'ready_ms')}`,
      '',
    ].join('\n'),
  });
}
