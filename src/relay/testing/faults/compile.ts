import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Compiles one of the C files here to a library that a program can be started with (`LD_PRELOAD`). Linux only; throws a
 * sentence when there is no compiler.
 */
export function compileFault(source: URL, library: string): void {
  const args = ['-O2', '-shared', '-fPIC', '-o', library, fileURLToPath(source), '-ldl', '-pthread']
  const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error !== undefined) throw new Error('No C compiler: on Debian, apt-get install gcc libc6-dev')
  if (status !== 0) throw new Error(`cc failed: ${stderr}`)
}

export const lostWritesSource = new URL('lostWrites.c', import.meta.url)
export const slowSyncSource = new URL('slowSync.c', import.meta.url)
export const failingDiskSource = new URL('failingDisk.c', import.meta.url)
