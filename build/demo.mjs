// `npm run demo`: the whole way without hands; screenshots and summary.json in out/demo/, the exit code tells.
import { parseArgs } from 'node:util'
import { reported } from './report.mjs'
import { runScenario } from './scenario.mjs'

await reported(() => {
  parseArgs({ options: {} })
  return runScenario('demo', { virtualDisplay: process.platform === 'linux' })
})
