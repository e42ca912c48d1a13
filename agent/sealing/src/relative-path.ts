/** True for a path of `/`-separated names that stays inside its folder: no root, no `.` or `..`, no backslash, no control character. */
export function isRelativePath(path: unknown): path is string {
  if (typeof path !== 'string' || path === '' || path.length > 512) return false;
  if (!/^[^\p{Cc}\\]+$/u.test(path) || !path.isWellFormed()) return false;
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
}
