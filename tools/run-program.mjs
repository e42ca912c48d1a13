// Runs one of our programs in the foreground: its terminal, its signals, its exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export function runProgram(script, args, { env = process.env } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit', env });
    // Ctrl-C reaches every program of the terminal by itself; a signal sent to us alone has to be passed on.
    const forward = (signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.once('error', failed);
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      done(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
    });
  });
}
