import { pino } from 'pino'
import { expect, test } from 'vitest'
import { redacted, relayLog } from './log.ts'

test('an administrator reads every count and error code; what must not be written is not', () => {
  const lines: string[] = []
  const logger = pino(
    { level: 'debug', base: null, redact: [...redacted] },
    { write: (line: string) => lines.push(line) },
  )
  const counts = {
    error: 'relay.unavailable',
    engine: 'SQLITE_FULL',
    status: 503,
    puts: 2,
    deletes: 3,
    connections: 4,
  }
  relayLog(logger).error('group not committed', counts)
  logger.warn({ code: '7K3M-QXWD-2F9H', token: 'secret' }, 'by mistake')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ...counts, msg: 'group not committed' })
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ code: '[Redacted]', token: '[Redacted]' })
})
