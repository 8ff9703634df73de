import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** What a process has written outlives it wherever it lies, so a file system in memory is as good here, and quicker. */
export const folders = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
