/** Where an admin lets messages go to a private address. */
export function PrivateHostsLink() {
  return (
    <p>
      <a href="/admin/system#field-privateHosts">Name private hosts under System</a>, then enter it here
      again.
    </p>
  );
}
