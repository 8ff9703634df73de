import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,main,renderer,build,bench}/**/*.test.{ts,tsx}'],
    // Far more than any of them takes: the machine may be slow, or stand still for a while. What waits fails by itself first.
    testTimeout: 15 * 60_000,
    hookTimeout: 10 * 60_000,
    teardownTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // libsignal and SQLCipher are native: a process of its own for each file keeps a crash from hiding the others.
    pool: 'forks',
    maxWorkers: 2,
  },
})
