// `npm start`: two enrolled workstations side by side on a private relay, until their windows are closed.
import { parseArgs } from 'node:util'
import { reported } from './report.mjs'
import { runScenario } from './scenario.mjs'

await reported(() => {
  parseArgs({ options: {} })
  return runScenario('start', { virtualDisplay: false })
})
