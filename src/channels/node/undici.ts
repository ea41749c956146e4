/** What is used of undici, in a file of its own: a bundle gives import() of a CommonJS package no names. */
export { Agent, ProxyAgent, request } from 'undici';
