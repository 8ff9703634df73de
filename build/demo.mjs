// `npm run demo`: the whole way without hands; screenshots and summary.json in out/demo/, the exit code tells.
import { runScenario } from './scenario.mjs'

process.exitCode = await runScenario('demo', { virtualDisplay: process.platform === 'linux' })
