/** What is used of nodemailer, in a file of its own that is read with the first mail. */
export { createTransport } from 'nodemailer';
