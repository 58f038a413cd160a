/* The program that forkexec creates: a static binary that ends at once. */
int main(void)
{
    return 0;
}
