"""beanstalkd as a queue."""
