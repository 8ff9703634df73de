// `npm run app -- --profile DIR`: builds and opens one workstation, as an ordinary user.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { provideDebianPackages } from './debian.mjs'
import { electronRuntime } from './electron-runtime.mjs'
import { reported } from './report.mjs'
import { root } from './targets.mjs'

await reported(async () => {
  const { values } = parseArgs({ options: { profile: { type: 'string' }, lang: { type: 'string' } } })
  if (process.getuid?.() === 0)
    throw new Error(
      'Electron does not run as root with its sandbox on: use an ordinary account, or npm start',
    )
  provideDebianPackages(['run'])
  await build()
  const { exe } = await electronRuntime()
  const args = [root]
  if (values.profile !== undefined) args.push(`--profile=${resolve(values.profile)}`)
  if (values.lang !== undefined) args.push(`--lang=${values.lang}`)
  if (values.profile !== undefined) mkdirSync(resolve(values.profile, '..'), { recursive: true })
  return new Promise((done, failed) => {
    spawn(exe, args, { stdio: 'inherit' })
      .on('error', failed)
      .on('exit', (code) => done(code ?? 1))
  })
})
