/** docs/logs.md: every event and field of the log, from their declarations. */
import { logEvents, logFields, logLevels, type LogField } from '../engine/log-events.ts'
import { markdownTable } from './stream-picture.ts'

/** The page about log lines. */
export function logsPage(): string {
  return [
    '# Logs',
    '',
    '<!-- Written by `npm run generate` from engine/log-events.ts. Do not edit. -->',
    '',
    '`wellspring up` and `wellspring run` speak to a person on a terminal. For machines they write a line of JSON for each event to',
    'stderr instead, and nothing but `--json` lines to stdout:',
    '',
    '- with `--log json`, from the level in `WELLSPRING_LOG` on (`info` where it is not set);',
    '- without the flag where `WELLSPRING_LOG` names a level and stderr is no terminal: set the variable in a container, and that is all.',
    '',
    `\`--log text\` keeps the lines for people. Levels, from the most talkative on: ${logLevels.map((level) => `\`${level}\``).join(', ')}.`,
    '`debug` has a line for each record, call and commit; `info` a few for each start, end and change. Only what is wrong with the',
    'command line itself is told as text all the same. The other commands end by themselves and always speak to a person.',
    '',
    '```json',
    '{"level":"warn","time":"2026-11-21T21:40:03.120Z","pid":17,"hostname":"roll-out-3","event":"record.dead-lettered","processor":"roll-out","task":4,"topic":"rollout-requests","partition":4,"offset":812,"record":"rollout-request-5f0c...","problem":"problem-91ab...","code":"CONTEXT_TOO_LONG","message":"...","tries":1,"seconds":0.4}',
    '```',
    '',
    'Every line has `time` (ISO 8601, UTC), `level`, `pid`, `hostname` and `event`, one of the list below, which never loses a name',
    'within a major version. `problem` ties all lines of one problem together, in whatever process they were written; the trace of',
    'the problem is made of the same id ([traces.md](traces.md)). A line that tells of a record is written when its result is committed.',
    '',
    'No line holds a secret: values of the variables that hold one, users, passwords and queries of URLs, authorization headers and what',
    'looks like a key of a well-known service are replaced by `[redacted]`. Texts of problems and answers are not logged; what a server said',
    'of an error is, shortened. Lines are written at once, so that the last one is there after a crash; a reader that stalls holds the',
    'process back.',
    '',
    '## Events',
    '',
    ...markdownTable(
      ['event', 'level', 'when', 'fields'],
      Object.entries(logEvents).map(([name, { level, doc, fields }]) => [
        `\`${name}\``,
        level,
        doc,
        fields.map((field: LogField) => `\`${field}\``).join(', '),
      ]),
    ),
    '',
    '## Fields',
    '',
    ...markdownTable(
      ['field', 'meaning'],
      Object.entries(logFields).map(([name, doc]) => [`\`${name}\``, doc]),
    ),
    '',
  ].join('\n')
}
