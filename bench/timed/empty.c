/* The least that a static program can do: what the shim's start is measured against. */
int main(void) { return 0; }
