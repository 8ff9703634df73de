import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,main,renderer,build,bench}/**/*.test.{ts,tsx}'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // libsignal and SQLCipher are native: a process of its own for each file keeps a crash from hiding the others.
    pool: 'forks',
    maxWorkers: 2,
  },
})
