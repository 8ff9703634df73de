import { mkdtemp, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConversation } from '../support/conversation.ts'
import { createRelay } from '../support/relay.ts'
import { enrol, launchWorkstation, passphrase } from '../support/workstation.ts'
import { aissatou, organisation, solene } from './people.ts'
import { sideBySide } from './sideBySide.ts'

// `npm start`: a private relay and two enrolled workstations side by side, until their windows are closed.
const folder = await mkdtemp(join(tmpdir(), 'valise-start-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const relay = await createRelay(join(folder, 'relay'), organisation)
await relay.start()
const left = await launchWorkstation(join(folder, 'solene'))
const right = await launchWorkstation(join(folder, 'aissatou'))
const closed = Promise.all([left, right].map(({ app }) => app.waitForEvent('close', { timeout: 0 })))
await sideBySide([left, right])
await Promise.all([
  enrol(left.page, await relay.invite(solene)),
  enrol(right.page, await relay.invite(aissatou)),
])
await openConversation(left.page, aissatou.name)
await openConversation(right.page, solene.name)
console.log(`${solene.name} and ${aissatou.name} can write to each other (relay ${relay.address()}).`)
console.log(`Passphrase of both workstations: ${passphrase}. Close both windows, or press Ctrl+C, to end.`)
await closed
await relay.stop()
await rm(folder, { recursive: true, force: true })
