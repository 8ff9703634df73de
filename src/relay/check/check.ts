import { access, constants, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { systemCode } from '../../base/atomicFile.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { engineOf, tryDatabase } from '../engine.ts'
import { lockData } from '../data/dataLock.ts'
import { databaseFile, readRelayData, usualTrustRootFile } from '../data/relayData.ts'
import { datesProblem, pairProblem, tlsDates, type TlsFiles } from '../data/tlsFiles.ts'
import { askStatus, readPlaces } from '../operations/status.ts'
import { pageProblem } from '../admin/address.ts'
import { isLoopback } from '../settings/conflicts.ts'
import { placeOf } from '../settings/page.ts'
import type { ReadSettings } from '../settings/readSettings.ts'
import type { SettingName, Settings } from '../settings/settings.ts'
import { lookAtDatabase } from '../store/sqliteCheck.ts'
import { finding, findingOf, type Finding } from './findings.ts'

/** A clock may run back so far, in milliseconds: NTP steps no further. */
const clockSlackMs = 10 * 60_000

/** Looks at all that a relay with these settings needs; changes nothing. Works beside a running relay. */
export async function checkAll(
  { settings, problems }: ReadSettings,
  clock: Clock,
): Promise<readonly Finding[]> {
  return [
    ...problems.map(findingOf),
    ...network(settings),
    ...(await tls(settings, clock.now())),
    ...(await folder(settings, clock.now())),
  ]
}

function network(settings: Settings): readonly Finding[] {
  const plain = settings['tls.certificate'] === null && !settings['tls.endsAtProxy']
  const alone = settings['tls.endsAtProxy'] && settings['proxy.trusted'].length === 0
  return [
    ...(plain && !isLoopback(settings['listen.host'])
      ? [finding('error', 'relay.tlsRequired', 'listen.host')]
      : []),
    ...(alone ? [finding('warning', 'config.noTrustedProxy', 'proxy.trusted')] : []),
    ...(isLoopback(settings['metrics.host'])
      ? []
      : [finding('warning', 'config.metricsOpen', 'metrics.host')]),
    ...page(settings, plain),
  ]
}

function page(settings: Settings, plain: boolean): readonly Finding[] {
  const problem = pageProblem(placeOf(settings))
  const open = settings['admin.port'] !== null && !isLoopback(settings['admin.host'])
  return [
    ...(problem === null ? [] : [finding('error', problem.code, problem.key)]),
    ...(open && plain ? [finding('error', 'relay.tlsRequired', 'admin.host')] : []),
    ...(open && !plain ? [finding('warning', 'config.adminOpen', 'admin.host')] : []),
  ]
}

async function tls(settings: Settings, now: number): Promise<readonly Finding[]> {
  const { 'tls.certificate': certificate, 'tls.key': key } = settings
  if (certificate === null || key === null) return []
  const files: TlsFiles | null = await readPair(certificate, key)
  if (files === null) return [finding('error', 'tls.unreadable', 'tls.certificate')]
  const problem = pairProblem(files)
  if (problem !== null)
    return [finding('error', problem, problem === 'tls.keyMismatch' ? 'tls.key' : 'tls.certificate')]
  const dates = tlsDates(files.certificate)
  const aging = dates === null ? null : datesProblem(dates, now)
  // Workstations know the relay by its key: a date keeps none of them away.
  return aging === null ? [] : [finding('warning', aging, 'tls.certificate')]
}

async function readPair(certificate: string, key: string): Promise<TlsFiles | null> {
  try {
    return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') }
  } catch {
    return null
  }
}

async function folder(settings: Settings, now: number): Promise<readonly Finding[]> {
  const { data } = settings
  if (data === null) return [finding('error', 'config.badValue', 'data')]
  try {
    await readRelayData(data)
    await access(data, constants.W_OK)
  } catch (thrown) {
    const code = thrown instanceof CodedError ? thrown.code : 'relay.dataNotWritable'
    return [finding('error', code, 'data')]
  }
  return [
    ...((await exists(usualTrustRootFile(data)))
      ? [finding('warning', 'relay.trustRootPresent', 'data')]
      : []),
    ...(await database(data, now)),
    ...((await isServed(data)) ? [] : await ports(settings)),
  ]
}

async function database(data: string, now: number): Promise<readonly Finding[]> {
  const choice = await engineOf(data)
  if (choice.kind === 'postgres') return postgres(choice.url)
  const { problem, newest } = lookAtDatabase(databaseFile(data))
  if (problem !== null) return [finding('error', problem, 'data')]
  return newest !== null && now < newest - clockSlackMs ? [finding('error', 'relay.clockBehind')] : []
}

/** Whether it answers and fits. */
async function postgres(url: string): Promise<readonly Finding[]> {
  try {
    await tryDatabase(url)
    return []
  } catch (thrown) {
    return [finding('error', reportOf(thrown).code, 'data')]
  }
}

/** Whether a relay runs on the folder; its ports are then taken by itself. */
async function isServed(data: string): Promise<boolean> {
  const said = await Promise.all((await readPlaces(data)).map(askStatus))
  if (said.some((status) => status !== null)) return true
  try {
    lockData(data).release()
    return false
  } catch (thrown) {
    return reportOf(thrown).code === 'relay.dataInUse'
  }
}

async function ports(settings: Settings): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const part of ['listen', 'metrics', 'admin'] as const) {
    const port = settings[`${part}.port`]
    const code = port === null ? null : await portProblem(settings[`${part}.host`], port)
    const key: SettingName = code === 'config.badValue' ? `${part}.host` : `${part}.port`
    if (code !== null) found.push(finding('error', code, key))
  }
  return found
}

async function portProblem(
  host: string,
  port: number,
): Promise<'relay.portTaken' | 'config.badValue' | null> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, resolve)
    })
    return null
  } catch (thrown) {
    const code = systemCode(thrown)
    return code === 'EADDRINUSE' || code === 'EACCES' ? 'relay.portTaken' : 'config.badValue'
  } finally {
    server.close()
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}
