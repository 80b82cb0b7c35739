"""The demonstration: real models and real flights on a real cluster; also what the end-to-end tests are made of."""
