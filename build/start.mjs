// `npm start`: two enrolled workstations side by side on a private relay, until their windows are closed.
import { runScenario } from './scenario.mjs'

process.exitCode = await runScenario('start', { virtualDisplay: false })
